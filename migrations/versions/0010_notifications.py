"""Notifications and what each person wants to hear of."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import mysql

revision = '0010'
down_revision = '0009'
branch_labels = None
depends_on = None


def upgrade() -> None:
    moment = sa.DateTime().with_variant(mysql.DATETIME(fsp=6), 'mysql', 'mariadb')
    op.create_table('notice',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('person_id', sa.Integer(), nullable=False),
    sa.Column('key', sa.String(length=64), nullable=False),
    sa.Column('kind', sa.String(length=16), nullable=False),
    sa.Column('about', sa.String(length=16), nullable=False),
    sa.Column('about_id', sa.Integer(), nullable=True),
    sa.Column('name', sa.String(length=200), nullable=False),
    sa.Column('detail', sa.String(length=500), nullable=False),
    sa.Column('happened_at', moment, nullable=False),
    sa.Column('is_shown', sa.Boolean(), nullable=False),
    sa.Column('read_at', moment, nullable=True),
    sa.Column('mail_state', sa.String(length=16), nullable=False),
    sa.Column('mail_after', moment, nullable=True),
    sa.Column('mail_tries', sa.SmallInteger(), nullable=False),
    sa.Column('mail_error', sa.String(length=255), nullable=False),
    sa.ForeignKeyConstraint(['person_id'], ['ab_user.id'], ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id'),
    sa.UniqueConstraint('person_id', 'key', name='uq_notice_person_id')
    )
    op.create_index('ix_notice_unread', 'notice', ['person_id', 'is_shown', 'read_at'], unique=False)
    op.create_index('ix_notice_mail', 'notice', ['mail_state', 'mail_after'], unique=False)
    op.create_table('notice_choice',
    sa.Column('person_id', sa.Integer(), nullable=False),
    sa.Column('kind', sa.String(length=16), nullable=False),
    sa.Column('way', sa.String(length=8), nullable=False),
    sa.Column('scope', sa.String(length=8), nullable=False),
    sa.ForeignKeyConstraint(['person_id'], ['ab_user.id'], ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('person_id', 'kind', 'way')
    )
    op.create_table('notice_manner',
    sa.Column('person_id', sa.Integer(), nullable=False),
    sa.Column('lead_minutes', sa.Integer(), nullable=False),
    sa.Column('language', sa.String(length=8), nullable=False),
    sa.ForeignKeyConstraint(['person_id'], ['ab_user.id'], ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('person_id')
    )
    op.create_table('notice_mark',
    sa.Column('id', sa.Integer(), autoincrement=False, nullable=False),
    sa.Column('looked_until', moment, nullable=False),
    sa.PrimaryKeyConstraint('id')
    )


def downgrade() -> None:
    op.drop_table('notice_mark')
    op.drop_table('notice_manner')
    op.drop_table('notice_choice')
    op.drop_table('notice')
