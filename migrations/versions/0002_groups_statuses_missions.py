"""Campaign groups, internal statuses, missions, and people in a campaign beside its folders."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import mysql
revision = '0002'
down_revision = '0001'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('campaign_group',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('name', sa.String(length=150), nullable=False),
    sa.Column('description', sa.String(length=500), nullable=False),
    sa.Column('created_by', sa.String(length=64), nullable=False),
    sa.Column('created_at', sa.DateTime().with_variant(mysql.DATETIME(fsp=6), 'mysql', 'mariadb'), nullable=False),
    sa.Column('changed_by', sa.String(length=64), nullable=False),
    sa.Column('changed_at', sa.DateTime().with_variant(mysql.DATETIME(fsp=6), 'mysql', 'mariadb'), nullable=False),
    sa.PrimaryKeyConstraint('id'),
    sa.UniqueConstraint('name')
    )
    op.create_table('internal_status',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('name', sa.String(length=60), nullable=False),
    sa.Column('color', sa.String(length=7), nullable=False),
    sa.Column('created_by', sa.String(length=64), nullable=False),
    sa.Column('created_at', sa.DateTime().with_variant(mysql.DATETIME(fsp=6), 'mysql', 'mariadb'), nullable=False),
    sa.Column('changed_by', sa.String(length=64), nullable=False),
    sa.Column('changed_at', sa.DateTime().with_variant(mysql.DATETIME(fsp=6), 'mysql', 'mariadb'), nullable=False),
    sa.PrimaryKeyConstraint('id'),
    sa.UniqueConstraint('color'),
    sa.UniqueConstraint('name'),
    sqlite_autoincrement=True
    )
    op.create_table('retired_status',
    sa.Column('id', sa.Integer(), autoincrement=False, nullable=False),
    sa.PrimaryKeyConstraint('id')
    )
    op.create_table('mission',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('title', sa.String(length=200), nullable=False),
    sa.Column('contact_id', sa.Integer(), nullable=True),
    sa.Column('assignee_id', sa.Integer(), nullable=True),
    sa.Column('assignee_name', sa.String(length=130), nullable=False),
    sa.Column('due_on', sa.Date(), nullable=True),
    sa.Column('status', sa.String(16), nullable=False),
    sa.Column('priority', sa.String(16), nullable=False),
    sa.Column('note', sa.Text(), nullable=False),
    sa.Column('closed_at', sa.DateTime().with_variant(mysql.DATETIME(fsp=6), 'mysql', 'mariadb'), nullable=True),
    sa.Column('created_by', sa.String(length=64), nullable=False),
    sa.Column('created_at', sa.DateTime().with_variant(mysql.DATETIME(fsp=6), 'mysql', 'mariadb'), nullable=False),
    sa.Column('changed_by', sa.String(length=64), nullable=False),
    sa.Column('changed_at', sa.DateTime().with_variant(mysql.DATETIME(fsp=6), 'mysql', 'mariadb'), nullable=False),
    sa.ForeignKeyConstraint(['contact_id'], ['contact.id'], ondelete='SET NULL'),
    sa.PrimaryKeyConstraint('id'),
    sqlite_autoincrement=True
    )
    with op.batch_alter_table('mission', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_mission_assignee_id'), ['assignee_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_mission_contact_id'), ['contact_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_mission_due_on'), ['due_on'], unique=False)
        batch_op.create_index(batch_op.f('ix_mission_status'), ['status'], unique=False)

    op.create_table('campaign_contact',
    sa.Column('campaign_id', sa.Integer(), nullable=False),
    sa.Column('contact_id', sa.Integer(), nullable=False),
    sa.Column('source', sa.String(16), nullable=False),
    sa.Column('source_id', sa.Integer(), autoincrement=False, nullable=False),
    sa.Column('added_by', sa.String(length=64), nullable=False),
    sa.Column('added_at', sa.DateTime().with_variant(mysql.DATETIME(fsp=6), 'mysql', 'mariadb'), nullable=False),
    sa.Column('released_at', sa.DateTime().with_variant(mysql.DATETIME(fsp=6), 'mysql', 'mariadb'), nullable=True),
    sa.ForeignKeyConstraint(['campaign_id'], ['campaign.id'], ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['contact_id'], ['contact.id'], ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('campaign_id', 'contact_id', 'source', 'source_id')
    )
    with op.batch_alter_table('campaign_contact', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_campaign_contact_contact_id'), ['contact_id'], unique=False)

    op.create_table('mission_campaign',
    sa.Column('mission_id', sa.Integer(), nullable=False),
    sa.Column('campaign_id', sa.Integer(), nullable=False),
    sa.Column('contact_id', sa.Integer(), nullable=False),
    sa.Column('added_by', sa.String(length=64), nullable=False),
    sa.Column('added_at', sa.DateTime().with_variant(mysql.DATETIME(fsp=6), 'mysql', 'mariadb'), nullable=False),
    sa.ForeignKeyConstraint(['campaign_id'], ['campaign.id'], ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['mission_id'], ['mission.id'], ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('mission_id', 'campaign_id')
    )
    with op.batch_alter_table('mission_campaign', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_mission_campaign_campaign_id'), ['campaign_id'], unique=False)

    kept = {'sqlite_autoincrement': True}  # SQLite copies the table
    with op.batch_alter_table('campaign', schema=None, table_kwargs=kept) as batch_op:
        batch_op.add_column(sa.Column('group_id', sa.Integer(), nullable=True))
        batch_op.create_foreign_key(
            'fk_campaign_group_id', 'campaign_group', ['group_id'], ['id'], ondelete='SET NULL'
        )
        batch_op.create_index('ix_campaign_group_id', ['group_id'], unique=False)

    # At the end and empty: MariaDB adds it at once, whatever the number of rows; the index is built while others write.
    op.add_column('campaign_recipient', sa.Column('internal_status_id', sa.Integer(), nullable=True))
    op.create_index(
        'ix_campaign_recipient_internal_status_id',
        'campaign_recipient',
        ['internal_status_id'],
        sqlite_where=sa.text('internal_status_id IS NOT NULL'),
    )


def downgrade() -> None:
    op.drop_index('ix_campaign_recipient_internal_status_id', 'campaign_recipient')
    op.drop_column('campaign_recipient', 'internal_status_id')
    with op.batch_alter_table('campaign', schema=None) as batch_op:
        batch_op.drop_constraint('fk_campaign_group_id', type_='foreignkey')
        batch_op.drop_index('ix_campaign_group_id')
        batch_op.drop_column('group_id')
    op.drop_table('mission_campaign')
    op.drop_table('campaign_contact')
    op.drop_table('mission')
    op.drop_table('retired_status')
    op.drop_table('internal_status')
    op.drop_table('campaign_group')
